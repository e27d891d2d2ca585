import { benchDisclosure } from '../bench/disclosure.ts';
import { report } from '../bench/harness.ts';
import { benchLoad } from '../bench/load.ts';
import { benchToken } from '../bench/token.ts';

// `npm run bench`: ratios to a limit that is measured in the same run. Told, never judged.
report([...(await benchDisclosure()), ...(await benchToken()), ...(await benchLoad())]);
process.exit(0);
