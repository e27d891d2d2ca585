import type { Verified } from '#/members/accounts/account.ts';
import type { Language } from '#/platform/html/texts.ts';

/** What an authorization has come to between its pages. Nothing that was typed is in it but the mail address. */
export interface InteractionState {
  /** The member's own choice, by the switch. */
  readonly language?: Language;
  /** The five facts, or another login, agreed with this member. */
  readonly verified?: Verified;
  /** The address that a code is on its way to. */
  readonly email?: string;
  /** The address is the member's: the code was right. */
  readonly emailProved?: boolean;
  /** Only in a sandbox that sends no mail: it stands on the page. */
  readonly shownCode?: string;
  /** Whose information it is about, when the member may act for several. */
  readonly personId?: string;
}

/** What was left between pages, and is over. @returns how many rows went; call again while it is not 0 */
export { purgeStates as purgeInteractionStates } from './interaction-state-store.ts';
