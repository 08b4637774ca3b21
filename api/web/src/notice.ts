/** What was just done, in one sentence; where it can be undone, how. It stays until it is closed or something else is done. */
import { shallowRef } from "vue";

export interface Notice { text: string; undo?: () => Promise<unknown> }
export const notice = shallowRef<Notice | null>(null);
export const tell = (text: string, undo?: () => Promise<unknown>): void => { notice.value = { text, undo }; };
