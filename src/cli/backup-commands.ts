import assert from 'node:assert/strict';
import type { Command } from '#/platform/cli/command.ts';
import type { Services } from '../services.ts';
import { writeBackup } from './backup/backup.ts';
import { restoreBackup } from './backup/restore.ts';

const backup: Command<Services> = {
  path: ['backup'],
  summary:
    'write the embedded database, the files of exports and the generated master key to one file, while the service runs',
  positionals: [{ name: 'FILE', description: 'a file that is not there yet, readable by you alone; .tar.zst' }],
  options: {
    'without-master-key': {
      type: 'boolean',
      description: 'leave master.key out; a key that is given by the settings is never in it',
    },
  },
  async run(input, services, io) {
    const [file = ''] = input.positionals;
    const report = await writeBackup(services, file, { withoutMasterKey: input.flag('without-master-key') }, io);
    const about = report.master_key_included
      ? `The master key is in it: whoever has the file can read and sign everything. Keep it where nobody else can read it.`
      : `The master key ${report.master_key_id} is not in it, and without that key it is of no use. Keep the key apart from it.`;
    const missing =
      report.export_files_missing > 0
        ? `\n${report.export_files_missing} file(s) of exports are not on this disk and not in the backup.`
        : '';
    return {
      exitCode: 0,
      json: report,
      text: `Wrote ${report.file}: ${(report.bytes / 1e6).toFixed(1)} MB in ${report.seconds.toFixed(1)} s, ${report.export_files} file(s) of exports.${missing}\n${about}`,
    };
  },
};

const restore: Command<Services> = {
  path: ['restore'],
  summary: 'make an installation of a backup, in a DATA_DIR that holds none',
  positionals: [{ name: 'FILE', description: 'what `backup` wrote' }],
  standsAlone: true,
  async run(input, _services, io) {
    assert(io.config, 'the program gives its settings to every command');
    const report = await restoreBackup(io.config, input.positionals[0] ?? '', io);
    return {
      exitCode: 0,
      json: report,
      text: `Restored ${io.config.dataDir} as it was on ${report.created_at}: ${report.files} files, all as they were written. Start it with \`npm start\`.`,
    };
  },
};

export const backupCommands = [backup, restore] as const;
