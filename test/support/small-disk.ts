import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A file system of its own of a few megabytes, that can be filled and given space again. */
export interface SmallDisk {
  readonly folder: string;
  /** Leaves nothing. */
  fill(): void;
  makeSpace(): void;
  remove(): void;
}

/** Only root may mount, and not in every container. */
export const mayMount: boolean = process.platform === 'linux' && process.getuid?.() === 0 && triedToMount();

export const NO_SMALL_DISK = 'a disk that fills up needs root and the right to mount a tmpfs';

/** @param folder where it appears; default: a new one */
export function makeSmallDisk(sizeMegabytes: number, folder?: string): SmallDisk {
  const at = folder ?? mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-disk-'));
  mkdirSync(at, { recursive: true });
  mount(at, sizeMegabytes);
  const ballast = path.join(at, 'ballast');
  return {
    folder: at,
    fill() {
      const { bavail, bsize } = statfsSync(at);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    },
    makeSpace: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', ['--lazy', at]);
      rmSync(at, { recursive: true, force: true });
    },
  };
}

function mount(folder: string, sizeMegabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m,mode=755`, 'none', folder], { stdio: 'ignore' });
}

function triedToMount(): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-may-mount-'));
  try {
    mount(folder, 1);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
