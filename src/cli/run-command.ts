import { type CommandIo, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { parseCommand } from '#/platform/cli/parse-command.ts';
import { ConfigError } from '#/platform/config/config.ts';
import { DatabaseUnusable } from '#/platform/db/database-unusable.ts';
import type { Services } from '../services.ts';
import { COMMANDS } from './commands.ts';
import { explain } from './explain.ts';

export interface CommandOutput {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command. Standard output is the result and nothing else (one JSON document with --json); refusals are one
 * sentence on standard error, and with --json also `{"error": {"code", "message"}}` on standard output.
 */
export async function runCommand(
  argv: readonly string[],
  openServices: () => Promise<Services>,
  io: CommandIo,
): Promise<CommandOutput> {
  const json = argv.includes('--json');
  const refused = (exitCode: 1 | 2, code: string, message: string): CommandOutput => ({
    exitCode,
    stdout: json ? `${JSON.stringify({ error: { code, message } })}\n` : '',
    stderr: `${message}\n`,
  });
  let services: Services | undefined;
  try {
    const { command, input } = parseCommand(COMMANDS, argv);
    if (!command.standsAlone) services = await openServices();
    const result = await command.run(input, services as Services, io);
    const text = json ? JSON.stringify(result.json, undefined, 2) : result.text;
    return { exitCode: result.exitCode, stdout: text === '' ? '' : `${text}\n`, stderr: '' };
  } catch (error) {
    if (error instanceof UsageError) return refused(2, 'usage', error.message);
    if (error instanceof CommandRefused) return refused(1, error.code, error.message);
    if (error instanceof ConfigError) return refused(1, 'configuration', error.message);
    if (error instanceof DatabaseUnusable) return refused(1, 'database', error.message);
    const known = explain(error, io.config);
    if (known !== undefined) return refused(1, 'unavailable', known);
    throw error;
  } finally {
    await services?.close();
  }
}
