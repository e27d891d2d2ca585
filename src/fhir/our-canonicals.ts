/** The root of everything this product defines in FHIR: code systems, extensions, identifier systems. */
export const OUR_CANONICAL = 'https://covered-bridge.org/fhir';

/** Codes that a program can switch on, beside the words of a payer-to-payer OperationOutcome. */
export const P2P_OUTCOME_CODES = `${OUR_CANONICAL}/CodeSystem/p2p-outcome`;

/**
 * On the MemberIdentifier of a match: the Group to export. An extension, because the output of `$member-match` is closed
 * to further parameters (HRex).
 */
export const P2P_EXPORT_GROUP = `${OUR_CANONICAL}/StructureDefinition/p2p-export-group`;
