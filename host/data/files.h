/* Single pictures, given by name, as a data set: what `rncl predict` looks at. */
#ifndef RNCL_DATA_FILES_H
#define RNCL_DATA_FILES_H

#include "dataset.h"

/* Pictures come with their own sizes, so that the loader prepares them as those of a folder; `turn`: upright,
 * as EXIF says. All are labelled 0. Those that cannot be read are passed over, as loader.h says. `paths`
 * outlives the set. */
rncl_status rncl_files_open(const char *const *paths, uint32_t count, bool turn, rncl_dataset **out);

/* Why a picture that has been read was passed over; NULL: it was not. */
const char *rncl_files_problem(const rncl_dataset *files, uint32_t index);

#endif
