/* How a batch is cut between ranks whose devices are not equally fast. */
#ifndef RNCL_PARALLEL_SHARES_H
#define RNCL_PARALLEL_SHARES_H

#include "ranks.h"

/* How many positive whole numbers, separated by commas, `text` is; 0 if it is anything else. */
int rncl_shares_count(const char *text);

/* Rank `index`'s part of `whole` things, cut in the proportions of the numbers in `text`, one for each rank;
 * numbers whose sum is `whole` are the parts themselves. RNCL_ERR_USAGE if some rank gets nothing. */
rncl_status rncl_shares_cut(const char *text, int whole, int index, rncl_share *share);

/* Parts of `whole` things in proportion to the ranks' speeds, rounded, as text for the function above; no
 * rank is without one. `whole` is at least `count`. RNCL_ERR_USAGE if the text does not fit into `size`
 * bytes. */
rncl_status rncl_shares_of_speeds(const double *speeds, int count, int whole, char *text, size_t size);

#endif
