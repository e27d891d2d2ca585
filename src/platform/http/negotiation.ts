/** One element of an `Accept` or `Accept-Encoding` header (RFC 9110 section 12.5). */
interface Wanted {
  readonly value: string;
  /** 0 means "not this one". */
  readonly weight: number;
}

function parseWanted(header: string): readonly Wanted[] {
  return header
    .split(',')
    .map((element) => {
      const [value = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      const parsed = weight === undefined ? 1 : Number(weight);
      return { value, weight: Number.isFinite(parsed) ? parsed : 1 };
    })
    .filter((wanted) => wanted.value !== '');
}

/**
 * Does an `Accept` header allow one of these media types? An absent or empty header allows everything. The most specific
 * range decides: everything but `application/json;q=0` does not allow application/json.
 */
export function accepts(header: string | undefined, mediaTypes: readonly string[]): boolean {
  const wanted = parseWanted(header ?? '');
  if (wanted.length === 0) return true;
  return mediaTypes.some((mediaType) => {
    const ranges = [mediaType, `${mediaType.slice(0, mediaType.indexOf('/'))}/*`, '*/*'];
    const decisive = ranges
      .map((range) => wanted.find(({ value }) => value === range))
      .find((found) => found !== undefined);
    return decisive !== undefined && decisive.weight > 0;
  });
}

/** May the answer be compressed with gzip? Not unless the caller says so. */
export function acceptsGzip(header: string | undefined): boolean {
  const wanted = parseWanted(header ?? '');
  const decisive =
    wanted.find(({ value }) => value === 'gzip' || value === 'x-gzip') ?? wanted.find(({ value }) => value === '*');
  return decisive !== undefined && decisive.weight > 0;
}
