/** What is fetched again whenever a key changes: the last answer, the refusal in words, whether it is on its way. */
import { ref, shallowRef, watch } from "vue";

export function follow<T>(key: () => unknown, fetched: () => Promise<T | undefined>) {
  const value = shallowRef<T>();
  const refused = ref("");
  const busy = ref(false);
  let latest = 0;

  async function again(): Promise<void> {
    const mine = ++latest; // an answer that was overtaken by a later question is dropped
    busy.value = true;
    refused.value = "";
    try {
      const answer = await fetched();
      if (mine === latest) value.value = answer;
    } catch (error) {
      if (mine !== latest) return;
      value.value = undefined;
      refused.value = (error as Error).message;
    } finally {
      if (mine === latest) busy.value = false;
    }
  }
  watch(key, again, { immediate: true });
  return { value, refused, busy, again };
}
