import { parseArgs } from 'node:util';
import { type Command, type CommandInput, UsageError } from './command.ts';

export interface ParsedCommand<Services> {
  readonly command: Command<Services>;
  readonly input: CommandInput;
  readonly json: boolean;
}

/**
 * Finds the command that the words name and checks its options.
 *
 * @throws UsageError with the usage line
 */
export function parseCommand<Services>(
  commands: readonly Command<Services>[],
  argv: readonly string[],
): ParsedCommand<Services> {
  const command = commands.find((candidate) => candidate.path.every((word, i) => argv[i] === word));
  if (!command) {
    const near = commands.filter((candidate) => candidate.path[0] === argv[0]);
    throw new UsageError(
      near.length > 0
        ? `Use one of:\n${near.map((candidate) => `  ${usageOf(candidate)}`).join('\n')}`
        : `There is no command "${argv.slice(0, 2).join(' ')}". \`covered-bridge help\` lists them.`,
    );
  }
  const usage = `Usage: ${usageOf(command)}`;
  const options = { ...command.options, json: { type: 'boolean' as const, description: '' } };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: argv.slice(command.path.length),
      options: Object.fromEntries(
        Object.entries(options).map(([name, option]) => [
          name,
          { type: option.type, multiple: 'multiple' in option && option.multiple === true },
        ]),
      ),
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`);
  }
  const missing = Object.entries(command.options ?? {}).find(
    ([name, option]) => option.required && parsed.values[name] === undefined,
  );
  if (missing) throw new UsageError(`--${missing[0]} is missing.\n${usage}`);
  const declared = command.positionals ?? [];
  const least = declared.filter((positional) => !positional.optional).length;
  const most = declared.some((positional) => positional.multiple) ? Number.POSITIVE_INFINITY : declared.length;
  if (parsed.positionals.length < least || parsed.positionals.length > most) throw new UsageError(usage);

  const { values } = parsed;
  return {
    command,
    json: values.json === true,
    input: {
      positionals: parsed.positionals,
      text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
      texts: (name) => (Array.isArray(values[name]) ? values[name].filter((value) => typeof value === 'string') : []),
      flag: (name) => values[name] === true,
    },
  };
}

/** `covered-bridge client create --name NAME [--tenant T ...]` */
export function usageOf<Services>(command: Command<Services>): string {
  const options = Object.entries(command.options ?? {}).map(([name, option]) => {
    const text = `--${name}${option.type === 'string' ? ` ${option.placeholder ?? 'VALUE'}` : ''}${option.multiple ? ' ...' : ''}`;
    return option.required ? text : `[${text}]`;
  });
  const positionals = (command.positionals ?? []).map((positional) => {
    const text = `${positional.name}${positional.multiple ? '...' : ''}`;
    return positional.optional ? `[${text}]` : text;
  });
  return ['covered-bridge', ...command.path, ...positionals, ...options].join(' ');
}
