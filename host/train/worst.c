/* A short sorted list: most pictures are turned away at its end. */
#include "worst.h"

#include <string.h>

enum { THUMBNAIL = 96 };

void rncl_worst_fini(rncl_worst *worst)
{
    for (int i = 0; i < worst->count; i++)
        rncl_raster_fini(&worst->entries[i].picture);
    *worst = (rncl_worst){0};
}

static rncl_status take_picture(const rncl_options *options, const float *image, rncl_raster *out)
{
    const rncl_network_options *network = &options->network;
    rncl_raster whole;
    RNCL_TRY(
        rncl_raster_of_input(image, network->image, network->channels, options->mean, options->std, &whole));
    const rncl_status st = rncl_raster_shrink(&whole, THUMBNAIL, out);
    rncl_raster_fini(&whole);
    return st;
}

/* Where it belongs; RNCL_WORST_MOST: nowhere. */
static int find_place(const rncl_worst *worst, const rncl_verdict *verdict)
{
    int place = worst->count;
    while (place > 0 && worst->entries[place - 1].verdict.label_share > verdict->label_share)
        place--;
    return place;
}

static rncl_status insert(rncl_worst *worst, int place, const rncl_verdict *verdict,
                          const rncl_options *options, const float *image)
{
    rncl_raster picture;
    RNCL_TRY(take_picture(options, image, &picture));
    if (worst->count == RNCL_WORST_MOST)
        rncl_raster_fini(&worst->entries[--worst->count].picture);
    memmove(&worst->entries[place + 1], &worst->entries[place],
            (size_t)(worst->count - place) * sizeof worst->entries[0]);
    worst->entries[place].verdict = *verdict;
    worst->entries[place].picture = picture;
    worst->count++;
    return RNCL_OK;
}

rncl_status rncl_worst_add(rncl_worst *worst, const rncl_options *options, const rncl_batch *batch,
                           const rncl_batch_result *result)
{
    const rncl_network_options *network = &options->network;
    const size_t floats = (size_t)network->image * (size_t)network->image * (size_t)network->channels;
    for (int i = 0; i < batch->count; i++) {
        if (batch->labels[i] == RNCL_NO_LABEL)
            continue;
        const float *logits = result->logits + (size_t)i * (size_t)network->classes;
        const rncl_verdict verdict = rncl_verdict_of(logits, network->classes, batch->labels[i]);
        const int place = find_place(worst, &verdict);
        if (verdict.answer != verdict.label && place < RNCL_WORST_MOST)
            RNCL_TRY(insert(worst, place, &verdict, options, batch->images + (size_t)i * floats));
    }
    return RNCL_OK;
}
