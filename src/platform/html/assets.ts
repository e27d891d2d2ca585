import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyPluginAsync } from 'fastify';
import { designSystemFolder } from './design-system.ts';

/** Our own style and pictures. */
const OWN_ASSETS = fileURLToPath(new URL('./assets/', import.meta.url));

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};
/** Fonts and pictures are compressed by themselves. */
const COMPRESSIBLE = new Set(['.css', '.js', '.svg']);
const YEAR = 'public, max-age=31536000, immutable';

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly compressed: Buffer | undefined;
}

/** The files that pages refer to: style, fonts, pictures. */
export interface Assets {
  /** The address of a file, which changes with its content, so that browsers may keep it for ever. */
  href(name: string): string;
  readonly routes: FastifyPluginAsync;
}

/**
 * Reads the files into memory. They are few and small (style 170 kB, fonts 20 kB each), and are compressed once.
 *
 * @param folders later ones win; default: the design system's files and our own
 */
export async function openAssets(folders?: readonly string[]): Promise<Assets> {
  const assets = new Map<string, Asset>();
  const hash = createHash('sha256');
  for (const folder of folders ?? [await designSystemFolder(), OWN_ASSETS])
    for (const name of await filesOf(folder)) {
      const bytes = await readFile(path.join(folder, name));
      hash.update(name).update(bytes);
      assets.set(name, await makeAsset(name, bytes));
    }
  // One version for all, so that a style sheet may name its fonts by relative addresses.
  const version = hash.digest('hex').slice(0, 16);

  return {
    href(name) {
      if (!assets.has(name)) throw new Error(`There is no file ${name} among the built ones.`);
      return `/assets/${version}/${name}`;
    },
    routes: async (server) => {
      server.get<{ Params: { version: string; '*': string } }>('/assets/:version/*', async (request, reply) => {
        const asset = request.params.version === version ? assets.get(request.params['*']) : undefined;
        if (!asset) return reply.callNotFound();
        reply.headers({ 'cache-control': YEAR, 'content-type': asset.type, vary: 'accept-encoding' });
        const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers['accept-encoding'] ?? '');
        if (!asset.compressed || !takesGzip) return reply.send(asset.bytes);
        return reply.header('content-encoding', 'gzip').send(asset.compressed);
      });
      // Browsers ask for it unasked, and a 404 would stand in the console of every page.
      if (assets.has('favicon.svg'))
        server.get('/favicon.ico', async (_request, reply) => reply.redirect(`/assets/${version}/favicon.svg`, 302));
    },
  };
}

/** Paths with `/`, in an order that is the same everywhere. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && Object.hasOwn(MEDIA_TYPES, path.extname(entry.name)))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

async function makeAsset(name: string, bytes: Buffer): Promise<Asset> {
  const extension = path.extname(name);
  return {
    type: MEDIA_TYPES[extension] ?? 'application/octet-stream',
    bytes,
    compressed: COMPRESSIBLE.has(extension) ? await promisify(gzip)(bytes, { level: 9 }) : undefined,
  };
}
