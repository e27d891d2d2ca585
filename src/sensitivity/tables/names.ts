import type { Category } from '../categories.ts';

/**
 * What displays and texts say where no code of ours does: generic names of drugs (public: FDA, RxNorm), and plain words for
 * illnesses, for the code systems that are not shipped (SNOMED CT, LOINC, a plan's own). Beginnings of words, lower case; up to four letters are a whole word (`hiv`, not `hives`).
 */
export const NAMES: Readonly<Partial<Record<Category, readonly string[]>>> = {
  'substance-use': [
    ...['buprenorphine', 'methadone', 'naltrexone', 'acamprosate', 'disulfiram', 'lofexidine'],
    ...['opioid dependence', 'opioid abuse', 'opioid use', 'opioid misuse', 'alcoholism', 'alcohol dependence'],
    ...['alcohol abuse', 'alcohol use disorder', 'alcohol withdrawal', 'drug dependence', 'drug abuse', 'drug misuse'],
    ...['substance abuse', 'substance use', 'substance misuse', 'cocaine', 'heroin', 'methamphetamine'],
    ...['detoxification'],
  ],
  hiv: [
    ...[
      'human immunodeficiency virus',
      'hiv',
      'acquired immune',
      'acquired immunodeficiency',
      'zidovudine',
      'abacavir',
    ],
    ...['emtricitabine', 'efavirenz', 'raltegravir', 'dolutegravir', 'bictegravir', 'cabotegravir', 'rilpivirine'],
    ...['darunavir', 'atazanavir', 'lopinavir', 'etravirine', 'doravirine', 'nevirapine', 'maraviroc', 'lenacapavir'],
    ...['fostemsavir', 'ibalizumab', 'enfuvirtide', 'elvitegravir'],
  ],
  std: [
    'syphilis',
    'gonorrh',
    'gonococc',
    'chlamydia trachomatis',
    'chlamydial',
    'genital herpes',
    'sexually transmitted',
  ],
  'mental-health': [
    ...[
      'depression',
      'depressive',
      'bipolar',
      'schizo',
      'psychosis',
      'psychotic',
      'psychiatr',
      'anxiety',
      'panic disorder',
    ],
    ...[
      'posttraumatic stress',
      'post-traumatic stress',
      'obsessive',
      'anorexia nervosa',
      'bulimia',
      'suicid',
      'self-harm',
    ],
    ...[
      'personality disorder',
      'attention deficit',
      'mental disorder',
      'mental health',
      'phq-9',
      'gad-7',
      'lithium carb',
    ],
    ...['clozapine', 'olanzapine', 'quetiapine', 'risperidone', 'paliperidone', 'aripiprazole', 'ziprasidone'],
    ...['lurasidone', 'haloperidol', 'fluoxetine', 'sertraline', 'paroxetine', 'citalopram', 'escitalopram'],
    ...['venlafaxine', 'mirtazapine', 'brexpiprazole', 'cariprazine', 'vortioxetine'],
  ],
  psychotherapy: ['psychotherap', 'cognitive behavioral therapy'],
  reproductive: [
    ...['abortion', 'termination of pregnancy', 'mifepristone', 'levonorgestrel', 'contracepti', 'intrauterine device'],
    ...['gender dysphoria', 'gender identity', 'ulipristal', 'etonogestrel', 'norethindrone', 'drospirenone'],
  ],
  assault: [
    'rape',
    'sexual assault',
    'sexual abuse',
    'domestic violence',
    'domestic abuse',
    'intimate partner',
    'child abuse',
  ],
};
