/** One thing that is wrong with a resource. The message never quotes content: it may go into a log or an error file. */
export interface ValidationIssue {
  /** FHIR issue-type of the problem. */
  readonly code: 'structure' | 'required' | 'value' | 'invariant' | 'code-invalid';
  /** Where: `Patient.name[0].given[1]`. */
  readonly path: string;
  readonly message: string;
}

/** More issues than this help nobody; a hostile body must not make a long list. */
export const ISSUES_MAX = 100;
/** Nesting of elements, resources and extensions inside one another. Real resources stay below 20. */
export const DEPTH_MAX = 100;

/**
 * The state of one validation. Checks add an issue with an empty path; each caller up the tree puts its own segment
 * in front, so that a resource without issues never pays for paths.
 */
export class Run {
  readonly issues: { code: ValidationIssue['code']; path: string; message: string }[] = [];
  /** Length of `issues`: a plain field is cheaper to compare before and after each element. */
  count = 0;
  depth = 0;
  /** Ids of the contained resources around here. */
  containedIds: ReadonlySet<string> | undefined;
  /** `#id` references seen since the resource that may hold contained ones began. */
  fragments: string[] = [];
  /** Positions of contained resources that point back at the one around them with a plain `#`. */
  backward: Set<number> | undefined;

  add(code: ValidationIssue['code'], message: string, path = ''): void {
    if (this.count >= ISSUES_MAX) return;
    this.issues.push({ code, path, message });
    this.count++;
  }

  /** Puts a segment in front of the path of every issue from `since` on. */
  prefix(since: number, segment: string): void {
    for (let index = since; index < this.count; index++) {
      const issue = this.issues[index]!;
      issue.path = segment + issue.path;
    }
  }
}

export type Check = (value: unknown, run: Run) => void;
/** What a JSON object is once it is known to be one. */
export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
