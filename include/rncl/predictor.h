/** @file
 * Prediction: a trained model that answers for images from files or in memory. */
#ifndef RNCL_PREDICTOR_H
#define RNCL_PREDICTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "rncl/images.h"
#include "rncl/status.h"
#include "rncl/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One class, and how much the network thinks of it. */
typedef struct rncl_answer {
    int class_index;    /**< from 0 */
    const char *label;  /**< UTF-8; lives as long as the predictor; NULL: the model has none */
    double probability; /**< 0 to 1; softmax of the logits */
    float logit;        /**< output of the last layer */
} rncl_answer;

/** What the network makes of one image. Valid in the call that hands it out. */
typedef struct rncl_prediction {
    uint32_t index;              /**< of the image among those asked for, from 0 */
    const char *path;            /**< of the image; NULL: it was in memory */
    bool finite;                 /**< all logits are finite numbers; if not, there is no answer */
    const rncl_answer *top;      /**< [top_count], the most probable first */
    int top_count;               /**< option `top`, or fewer if there are not so many classes; 0: no answer */
    const float *logits;         /**< [classes], by class */
    const double *probabilities; /**< [classes], by class; NaN without an answer */
    int classes;                 /**< outputs of the network */
} rncl_prediction;

/** Takes predictions one by one, in the order of the images, on the thread that asked. A status other than
 * RNCL_OK ends the call that asked, with that status. */
typedef struct rncl_prediction_sink {
    /** Takes the next one; must not be NULL. */
    rncl_status (*take)(void *user, const rncl_prediction *prediction);
    void *user; /**< handed to `take` as it is */
} rncl_prediction_sink;

/** A trained model on a device. One thread uses a predictor at a time; different ones are independent. */
typedef struct rncl_predictor rncl_predictor;

/** Opens the session's device and the file of its option `model`, which says what the network is and how its
 * images are normalised; options that are set win over it, and files that say nothing get ImageNet's
 * normalisation. Afterwards session and predictor are independent of each other. RNCL_ERR_USAGE without
 * option `model`; RNCL_ERR_MODEL. *out is NULL on failure. */
RNCL_API rncl_status rncl_predictor_create(const rncl_session *session, rncl_predictor **out);
RNCL_API void rncl_predictor_destroy(rncl_predictor *predictor); /**< takes NULL */

/** Predicts PNG and JPEG files. Squares of up to 224 pixels are taken whole, of others the centre, and
 * resized to the network's input. Images that cannot be read are passed over with a warning in the log, and
 * the call then ends with RNCL_ERR_DATA; or with RNCL_ERR_DIVERGED if outputs for any image are not finite,
 * of which all predictions are handed out all the same. Compiles at the first call, and where the number of
 * images asks for another batch size than the last call's. */
RNCL_API rncl_status rncl_predictor_files(rncl_predictor *predictor, const char *const *paths, uint32_t count,
                                          const rncl_prediction_sink *sink);

/** As rncl_predictor_files, for images in memory: the same pixels give the same predictions. RNCL_ERR_SHAPE
 * for sizes that make no image. */
RNCL_API rncl_status rncl_predictor_images(rncl_predictor *predictor, const rncl_image_set *images,
                                           const rncl_prediction_sink *sink);

#ifdef __cplusplus
}
#endif

#endif
