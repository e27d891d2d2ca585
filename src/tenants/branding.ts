/** WCAG 2.2, 1.4.3: text on white needs at least this. */
const CONTRAST_MIN = 4.5;

type Rgb = readonly [red: number, green: number, blue: number];

/** `#0b4778` → its parts; undefined for anything but six hex digits after a hash. */
function parseColor(text: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  if (!match) return undefined;
  return [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16), Number.parseInt(match[3]!, 16)];
}

/** WCAG 2.2, contrast ratio of a colour and white: 1 to 21. */
export function contrastOnWhite(color: string): number {
  const rgb = parseColor(color);
  if (!rgb) throw new TypeError('a colour is # and six hex digits');
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red! + 0.7152 * green! + 0.0722 * blue! + 0.05);
}

export type CheckedColor =
  | { readonly kind: 'good'; readonly color: string }
  /** Too light to be read on white; `nearest` is the same hue, just dark enough. */
  | { readonly kind: 'too-light'; readonly contrast: number; readonly nearest: string }
  | { readonly kind: 'not-a-color' };

/** Can a plan's colour carry text on white? */
export function checkColor(text: string): CheckedColor {
  const rgb = parseColor(text);
  if (!rgb) return { kind: 'not-a-color' };
  const color = toHex(rgb);
  const contrast = contrastOnWhite(color);
  if (contrast >= CONTRAST_MIN) return { kind: 'good', color };
  let nearest = color;
  for (let share = 0.99; contrastOnWhite(nearest) < CONTRAST_MIN; share -= 0.01)
    nearest = toHex(mix(rgb, BLACK, share));
  return { kind: 'too-light', contrast, nearest };
}

/** The design system's variables for a plan's colour and its shades. */
export function brandStyle(color: string): string {
  const rgb = parseColor(color);
  if (!rgb) return '';
  const shades: Record<string, Rgb> = {
    lightest: mix(rgb, WHITE, 0.1),
    lighter: mix(rgb, WHITE, 0.3),
    light: mix(rgb, WHITE, 0.7),
    dark: mix(rgb, BLACK, 0.9),
    darker: mix(rgb, BLACK, 0.7),
    darkest: mix(rgb, BLACK, 0.5),
  };
  const lines = Object.entries(shades).map(([name, shade]) => `  --color-primary-${name}: ${toHex(shade)};`);
  return `:root {\n  --color-primary: ${toHex(rgb)};\n${lines.join('\n')}\n}\n`;
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** @param share of `color`, from 0 to 1 */
function mix(color: Rgb, other: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2): number => Math.round(color[i] * share + other[i] * (1 - share));
  return [part(0), part(1), part(2)];
}

function toHex(rgb: Rgb): string {
  return `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
