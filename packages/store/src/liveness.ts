/** An instance that did not beat for so long is dead: what it owned is taken over. It beats every second. */
export const deadAfterMs = 5_000

/** A living owner is later than this only when it hangs; others then take its due releases. */
export const lateAfterMs = 2_000
