/* What happened in a run: evaluations and drops of the learning rate. */
#include <math.h>
#include <string.h>

#include "number.h"
#include "watch_panel.h"

static void tell_evaluation(const rncl_followed_run *run, size_t row, char text[RNCL_WATCH_EVENT_LENGTH])
{
    double *const *values = run->metrics.values;
    bool best = true;
    for (size_t i = 0; i < row; i++)
        best &= !(values[RNCL_FOLLOWED_VAL_ERROR][i] <= values[RNCL_FOLLOWED_VAL_ERROR][row]);
    rncl_number_format(text, RNCL_WATCH_EVENT_LENGTH, "step %.0f, epoch %.4g: top-1 %.2f %%, loss %.4f%s",
                       values[RNCL_FOLLOWED_STEP][row], values[RNCL_FOLLOWED_EPOCH][row],
                       100 - values[RNCL_FOLLOWED_VAL_ERROR][row], values[RNCL_FOLLOWED_VAL_LOSS][row],
                       best ? ", the best so far" : "");
}

static void tell_drop(const rncl_followed_run *run, size_t row, char text[RNCL_WATCH_EVENT_LENGTH])
{
    const double *lr = run->steps.values[RNCL_FOLLOWED_STEPS_LR];
    rncl_number_format(text, RNCL_WATCH_EVENT_LENGTH, "step %.0f: learning rate from %.4g to %.4g",
                       run->steps.values[RNCL_FOLLOWED_STEPS_STEP][row], lr[row - 1], lr[row]);
}

/* The last drop before row `end`; 0: there is none. */
static size_t find_drop(const rncl_followed_run *run, size_t end)
{
    const double *lr = run->steps.values[RNCL_FOLLOWED_STEPS_LR];
    for (size_t i = end; i-- > 1;)
        if (lr[i] <= 0.5 * lr[i - 1])
            return i;
    return 0;
}

size_t rncl_watch_events(const rncl_followed_run *run, size_t count, char (*texts)[RNCL_WATCH_EVENT_LENGTH])
{
    size_t evaluations = run->metrics.rows, drop = find_drop(run, run->steps.rows), told = 0;
    while (told < count && (evaluations || drop)) {
        /* Filled from the back. */
        char *text = texts[count - ++told];
        const double evaluated = evaluations ? run->metrics.values[RNCL_FOLLOWED_STEP][evaluations - 1] : -1;
        if (drop && run->steps.values[RNCL_FOLLOWED_STEPS_STEP][drop] > evaluated) {
            tell_drop(run, drop, text);
            drop = find_drop(run, drop);
        } else {
            tell_evaluation(run, --evaluations, text);
        }
    }
    memmove(texts, texts + (count - told), told * sizeof *texts);
    return told;
}
