/** CVX codes (CDC, public) with our own words and the age from which each is given. */
export const VACCINES = [
  { cvx: '20', text: 'Diphtheria, tetanus, pertussis', minAge: 0, maxAge: 6 },
  { cvx: '10', text: 'Polio', minAge: 0, maxAge: 6 },
  { cvx: '03', text: 'Measles, mumps, rubella', minAge: 1, maxAge: 12 },
  { cvx: '21', text: 'Chickenpox', minAge: 1, maxAge: 12 },
  { cvx: '114', text: 'Meningococcal disease', minAge: 11, maxAge: 18 },
  { cvx: '140', text: 'Influenza, yearly', minAge: 1, maxAge: 120 },
  { cvx: '115', text: 'Tetanus booster with pertussis', minAge: 11, maxAge: 120 },
  { cvx: '121', text: 'Shingles', minAge: 60, maxAge: 120 },
  { cvx: '133', text: 'Pneumococcal disease', minAge: 65, maxAge: 120 },
] as const;

/** SNOMED CT codes of substances and reactions, our own words. */
export const ALLERGENS = [
  { code: '91936005', text: 'Penicillin', category: 'medication' },
  { code: '300913006', text: 'Shellfish', category: 'food' },
  { code: '424213003', text: 'Bee venom', category: 'environment' },
  { code: '300916003', text: 'Latex', category: 'environment' },
  { code: '418689008', text: 'Grass pollen', category: 'environment' },
] as const;
export const REACTIONS = [
  { code: '247472004', text: 'Wheals' },
  { code: '271807003', text: 'Rash' },
  { code: '422587007', text: 'Nausea' },
] as const;
