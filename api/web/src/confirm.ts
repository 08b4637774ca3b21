/** A question before what cannot be undone. */
import { shallowRef } from "vue";

export interface Question { title: string; text: string; act: string; answer: (yes: boolean) => void }
export const question = shallowRef<Question | null>(null);

/** Whether the reader says yes. */
export const confirmed = (title: string, text: string, act: string): Promise<boolean> =>
  new Promise((resolve) => {
    question.value = { title, text, act, answer: (yes) => { question.value = null; resolve(yes); } };
  });
