/**
 * An instance that did not beat for so long is dead: what it owned is taken over.
 *
 * It beats every second, over a connection of its own, so three beats in a row have to be missing. What makes a living one
 * miss them is far shorter (a collection of the heap takes tens of milliseconds, a full disk queue of the database some
 * hundred), and one that is taken for dead loses its turn and nothing else: a take-over raises the fence, so that what the
 * old owner decides after it is not written, and nothing it sends late raises exposure. Less would come close to a beat's
 * own time-out of two seconds; more would only make a breach wait after a crash.
 */
export const deadAfterMs = 4_000

/** How often the living look for the dead: one small statement, and all that is between a death and a take-over. */
export const lookForDeadEveryMs = 250

/** A living owner is later than this only when it hangs; others then take its due releases. */
export const lateAfterMs = 2_000
