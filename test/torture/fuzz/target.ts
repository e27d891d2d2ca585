// The program under fuzz as a process of its own: `node --expose-gc target.ts`, settings by environment, spoken to by IPC.
import { readdirSync, readlinkSync } from 'node:fs';
import { readConfig } from '#/platform/config/config.ts';
import type { MountedRoute } from '#/platform/http/server.ts';
import { makeSandboxes } from '#/sandbox/make-sandboxes.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import { startServer } from '../../../src/server.ts';
import { openServices } from '../../../src/services.ts';

/** What the process holds at this moment, after a collection of garbage. */
export interface Holdings {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Connections of callers. */
  readonly connections: number;
  /** Open files, without sockets and pipes. */
  readonly files: number;
  readonly sockets: number;
}

export type FromTarget =
  | { readonly kind: 'ready'; readonly baseUrl: string; readonly routes: readonly MountedRoute[] }
  | { readonly kind: 'holdings'; readonly holdings: Holdings };

const say = (message: FromTarget): void => {
  process.send?.(message);
};

const config = readConfig(process.env);
const services = await openServices(config);
await makeSandboxes(services, insertTenant);
const server = await startServer(services);

process.on('message', (wish: 'holdings' | 'stop') => {
  if (wish === 'holdings') void holdings().then((found) => say({ kind: 'holdings', holdings: found }));
  else void stop();
});
process.on('disconnect', () => void stop());
say({ kind: 'ready', baseUrl: config.publicUrl, routes: server.http.mountedRoutes });

async function holdings(): Promise<Holdings> {
  globalThis.gc?.();
  const connections = await new Promise<number>((resolve) =>
    server.http.server.getConnections((_error, count) => resolve(count)),
  );
  const links = process.platform === 'linux' ? readdirSync('/proc/self/fd').map(linkOf) : [];
  const { heapUsed, rss } = process.memoryUsage();
  return {
    heapBytes: heapUsed,
    rssBytes: rss,
    connections,
    files: links.filter((link) => link.startsWith('/') && !link.startsWith('/dev/') && !link.startsWith('/proc/'))
      .length,
    sockets: links.filter((link) => link.startsWith('socket:')).length,
  };
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

async function stop(): Promise<void> {
  await server.stop();
  await services.close();
  process.exit(0);
}
