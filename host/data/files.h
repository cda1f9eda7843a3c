/* Single pictures, given by name or in memory, as a data set: what predictions are made for. */
#ifndef RNCL_DATA_FILES_H
#define RNCL_DATA_FILES_H

#include "dataset.h"
#include "rncl/images.h"

/* Pictures come out image x image, RGB, as evaluation sees them: squares of up to RNCL_LARGEST_WHOLE pixels
 * whole, others cropped by rncl_crop_centre. All are labelled 0. Those that cannot be read are passed over,
 * as loader.h says. `paths` outlives the set. */
rncl_status rncl_files_open(const char *const *paths, uint32_t count, int image, rncl_dataset **out);

/* The same for pictures in memory, which rncl_memory_check has passed and which outlive the set. */
rncl_status rncl_files_open_memory(const rncl_image_set *images, int image, rncl_dataset **out);

/* Why a picture that has been read was passed over; NULL: it was not. */
const char *rncl_files_problem(const rncl_dataset *files, uint32_t index);

#endif
