/** One thing that the reader has the server do: while it is on its way, and why it was refused. */
import { ref } from "vue";

export function attempt() {
  const refused = ref("");
  const busy = ref(false);

  /** Whether it was done. */
  async function run(act: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    refused.value = "";
    try {
      await act();
      return true;
    } catch (error) {
      refused.value = (error as Error).message;
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { refused, busy, run };
}
