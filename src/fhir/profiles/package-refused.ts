/** Every way a package of definitions can be refused. */
export type PackageRefusalCode =
  /** It does not exist, or this user may not read it. */
  | 'unreadable'
  /** Neither a `.tgz` nor a folder with definitions. */
  | 'no-package'
  /** Cut off, damaged, or with an entry that leads out of it. */
  | 'archive-broken'
  /** It holds more than is read: files, bytes of a file, bytes in all. */
  | 'too-large'
  /** A file is no JSON, or a definition lacks what every definition has. */
  | 'malformed'
  /** One canonical is defined twice, differently. */
  | 'duplicate-definition';

/** A package that cannot be used. The message names the package and file at fault. */
export class PackageRefused extends Error {
  override readonly name = 'PackageRefused';
  readonly code: PackageRefusalCode;
  constructor(code: PackageRefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
