import type { Config } from '../config/config.ts';

/** One command of the command line. `Services` is what main.ts builds: database, tenants and the domains. */
export interface Command<Services> {
  /** The words that name it, for example `['client', 'create']`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly positionals?: readonly CommandPositional[];
  readonly options?: Readonly<Record<string, CommandOption>>;
  /** It works without the database: none is opened, and `services` must not be touched. */
  readonly standsAlone?: true;
  run(input: CommandInput, services: Services, io: CommandIo): Promise<CommandResult>;
}

export interface CommandPositional {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Takes all that follow; only the last may. */
  readonly multiple?: boolean;
}

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly description: string;
  readonly placeholder?: string;
  readonly multiple?: boolean;
  readonly required?: boolean;
}

/** What was typed, checked against the declaration: required options are there, unknown ones are refused before. */
export interface CommandInput {
  readonly positionals: readonly string[];
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
}

export interface CommandIo {
  /** Standard error: progress and talk. */
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Set by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The settings, for a command that stands alone and needs them. */
  readonly config?: Config;
}

/** Exit codes: 0 done, 1 refused, 2 wrong usage. With --json standard output is `json` and nothing else. */
export interface CommandResult {
  readonly exitCode: 0 | 1;
  readonly json: unknown;
  readonly text: string;
}

/** The command was typed wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and refused: exit code 1. `code` is a word for scripts. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
