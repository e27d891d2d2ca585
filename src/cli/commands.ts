import { consentCommands } from '#/consent/commands.ts';
import { feedCommands } from '#/ingest/commands.ts';
import { validateCommands } from '#/ingest/validate/commands.ts';
import { onboardingCommands } from '#/onboarding/commands.ts';
import { evidenceCommands } from '#/payer-to-payer/evidence/commands.ts';
import type { Command } from '#/platform/cli/command.ts';
import { sandboxCommands } from '#/sandbox/commands.ts';
import { labelCommands } from '#/sensitivity/commands.ts';
import type { Services } from '../services.ts';
import { backupCommands } from './backup-commands.ts';
import { keyCommands } from './key-commands.ts';
import { tenantCommands } from './tenant-commands.ts';

/** Every command but `serve` and `help`. docs/reference/cli.md is generated from this table. */
export const COMMANDS: readonly Command<Services>[] = [
  ...tenantCommands,
  ...onboardingCommands,
  ...consentCommands,
  ...evidenceCommands,
  ...feedCommands,
  ...labelCommands,
  ...validateCommands,
  ...sandboxCommands,
  ...keyCommands,
  ...backupCommands,
];
