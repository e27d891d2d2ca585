/** The bounds of packages and of one check, each with its unit. Real ones stay a factor of ten below. */
export const PROFILE_LIMITS = {
  /** Packages in use at once. */
  packages: 200,
  /** Files of one package. */
  packageFiles: 100_000,
  /** One file of a package, unpacked. */
  fileBytes: 64 * 1024 * 1024,
  /** One package, unpacked: a `.tgz` that grows beyond this is given up while it unpacks. */
  packageBytes: 2 * 1024 * 1024 * 1024,
  /** Elements of one StructureDefinition. */
  elements: 50_000,
  /** Definitions above one another by `baseDefinition`. */
  baseDepth: 32,
  /** Value sets inside value sets. */
  valueSetDepth: 16,
  /** Characters of one FHIRPath expression. */
  expressionLength: 20_000,
  /** Profiles inside profiles, by the type profiles of elements. */
  profileDepth: 20,
  /** Element visits for one resource and profile; what is left then is told as not checked. */
  visits: 2_000_000,
  /** Findings for one resource and profile. */
  findings: 200,
} as const;
