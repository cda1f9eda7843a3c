/** @file
 * Images in memory: what a program hands to rncl instead of a folder or of file names. */
#ifndef RNCL_IMAGES_H
#define RNCL_IMAGES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Images of one size, as 8-bit values, row by row from the top, channels of a pixel side by side.
 *
 * The pixels come from `pixels` or, where that is NULL, from `read`. Everything that the set points to
 * belongs to the caller and must stay unchanged for as long as the set is in use. Zero-initialise the struct:
 * fields that are added later are 0 when they are not wanted. */
typedef struct rncl_image_set {
    uint32_t count;           /**< images */
    int height;               /**< pixels, of every image */
    int width;                /**< pixels, of every image */
    int channels;             /**< 1: grey, 3: RGB */
    const uint8_t *pixels;    /**< [count][height][width][channels], or NULL */
    const int32_t *labels;    /**< [count], 0 to classes - 1; prediction does not need them */
    int classes;              /**< different labels; prediction does not need it */
    const char *const *names; /**< [classes], UTF-8; NULL: classes have no names */

    /** Writes image `index` as [height][width][channels] and returns 0; any other value ends the call that
     * needed the image with RNCL_ERR_DATA. Called from several threads at once, in no particular order, and
     * more than once for each image; it must write the same pixels each time. */
    int (*read)(void *user, uint32_t index, uint8_t *pixels);
    void *user; /**< handed to `read` as it is */
} rncl_image_set;

#ifdef __cplusplus
}
#endif

#endif
