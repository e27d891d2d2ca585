/** One thing in a tar archive. `content` is read to its end before the next entry is asked for; what is left is skipped. */
export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Buffer>;
}

/** The archive is not one, is cut off, or holds what we never write (links, devices). */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
}

const BLOCK_BYTES = 512;
/** Eleven octal digits. */
const SIZE_MAX_BYTES = 0o77777777777;
const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

/**
 * The header of one entry, in the ustar form that every tar reads. Modes are for the owner alone.
 *
 * @param path with `/`; up to 255 bytes, as far as it can be cut at a `/`
 * @throws RangeError when the path or the size does not fit
 */
export function tarHeader(path: string, kind: TarEntry['kind'], sizeBytes: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const full = kind === 'folder' ? `${path}/` : path;
  const [prefix, name] = splitPath(full);
  if (sizeBytes > SIZE_MAX_BYTES) throw new RangeError('a file is too large for the archive');
  header.write(name, 0);
  header.write(kind === 'folder' ? '0000700' : '0000600', 100);
  header.write('0000000', 108);
  header.write('0000000', 116);
  header.write(sizeBytes.toString(8).padStart(11, '0'), 124);
  header.write('00000000000', 136);
  header.write(kind === 'folder' ? '5' : '0', 156);
  header.write('ustar\0' + '00', 257, 'latin1');
  header.write(prefix, 345);
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** What fills the last block of a file. */
export const tarPadding = (sizeBytes: number): Buffer =>
  ZERO_BLOCK.subarray(0, (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);

/** What ends an archive. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK_BYTES);

/**
 * Reads an archive as it comes, holding one piece of it at a time.
 *
 * @param mayLackEnd PostgreSQL leaves the two empty blocks at the end out
 * @param longNames reads the entries by which pax (POSIX.1-2001) and GNU tar name what the header has no room for;
 *   otherwise they are refused, because we never write them
 * @throws ArchiveDamaged
 */
export async function* readTar(
  source: AsyncIterable<Buffer>,
  { mayLackEnd = false, longNames = false }: { readonly mayLackEnd?: boolean; readonly longNames?: boolean } = {},
): AsyncGenerator<TarEntry> {
  const reader = makeReader(source);
  let name: string | undefined;
  try {
    for (;;) {
      const header = await reader.exactly(BLOCK_BYTES, mayLackEnd);
      if (!header || header.equals(ZERO_BLOCK)) return;
      if (octalIn(header, 148, 156) !== checksumOf(header))
        throw new ArchiveDamaged('a header of the archive is damaged');
      const type = textIn(header, 156, 157);
      if (longNames && NOTE_TYPES.includes(type)) {
        const noteBytes = octalIn(header, 124, 136);
        if (noteBytes > NOTE_BYTES_MAX) throw new ArchiveDamaged('a name in the archive is too long');
        const note = await reader.exactly(noteBytes, false);
        await reader.exactly(tarPadding(noteBytes).length, false);
        name = nameIn(type, note?.toString('utf8') ?? '') ?? name;
        continue;
      }
      const entry = parseHeader(header, name);
      name = undefined;
      if (entry.path === '') continue;
      const content = reader.next(entry.sizeBytes);
      yield { ...entry, content };
      for await (const _skipped of content);
      await reader.exactly(tarPadding(entry.sizeBytes).length, false);
    }
  } finally {
    await reader.close();
  }
}

/** pax: about the next entry, about all that follow; GNU: the next one's name. */
const NOTE_TYPES = ['x', 'g', 'L'];
/** Real ones have a few hundred bytes. */
const NOTE_BYTES_MAX = 64 * 1024;

function textIn(header: Buffer, from: number, to: number): string {
  const field = header.subarray(from, to);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? field.length : end).toString('utf8');
}

function octalIn(header: Buffer, from: number, to: number): number {
  const digits = textIn(header, from, to).trim();
  if (!/^[0-7]+$/.test(digits)) throw new ArchiveDamaged('a header of the archive cannot be read');
  return Number.parseInt(digits, 8);
}

/** The name that an entry of kind `L` (GNU) or `x` (pax: `27 path=a/b.json\n`) gives to the next. */
function nameIn(type: string, note: string): string | undefined {
  if (type === 'g') return undefined;
  if (type === 'L') return note.replace(/\0+$/, '');
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(note)?.[1];
}

function parseHeader(header: Buffer, name: string | undefined): Omit<TarEntry, 'content'> {
  const text = (from: number, to: number): string => textIn(header, from, to);
  const octal = (from: number, to: number): number => octalIn(header, from, to);
  const type = text(156, 157);
  if (!['', '0', '5'].includes(type)) throw new ArchiveDamaged('the archive holds something that is no file or folder');
  const prefix = text(345, 500);
  // `./a/` is `a`, as most write it; `./` is the folder that everything is in.
  const path = (name ?? `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`).replace(/^(\.\/)+|\/+$/g, '');
  if (path === '' && type === '5') return { path, kind: 'folder', sizeBytes: 0 };
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..') || /[\\:\0]/.test(path))
    throw new ArchiveDamaged('the archive holds a path that leads out of it');
  const kind = type === '5' ? 'folder' : 'file';
  return { path, kind, sizeBytes: kind === 'folder' ? 0 : octal(124, 136) };
}

/** The sum of the header's bytes, its own field taken as blanks. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return sum;
}

function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  const cut = path.indexOf('/', Buffer.byteLength(path) - 101);
  if (cut < 0 || cut > 155 || Buffer.byteLength(path) !== path.length)
    throw new RangeError('a path is too long for the archive');
  return [path.slice(0, cut), path.slice(cut + 1)];
}

function makeReader(source: AsyncIterable<Buffer>) {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  async function more(): Promise<boolean> {
    while (held.length === 0) {
      const { value, done } = await iterator.next();
      if (done) return false;
      held = value;
    }
    return true;
  }
  async function piece(bytesMax: number): Promise<Buffer> {
    if (!(await more())) throw new ArchiveDamaged('the archive is cut off');
    const taken = held.subarray(0, bytesMax);
    held = held.subarray(taken.length);
    return taken;
  }
  return {
    /** Undefined at the end of the source, where that is allowed. */
    async exactly(bytes: number, mayEnd: boolean): Promise<Buffer | undefined> {
      if (bytes === 0) return Buffer.alloc(0);
      if (mayEnd && !(await more())) return undefined;
      const pieces: Buffer[] = [];
      for (let left = bytes; left > 0; left -= pieces.at(-1)!.length) pieces.push(await piece(left));
      return Buffer.concat(pieces);
    },
    async *next(bytes: number): AsyncGenerator<Buffer> {
      for (let left = bytes; left > 0; ) {
        const taken = await piece(left);
        left -= taken.length;
        yield taken;
      }
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
