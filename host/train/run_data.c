/* Digests of both parts of the data. */
#include "run_data.h"

#include "digest.h"

rncl_run_data rncl_run_data_of(const rncl_inputs *inputs)
{
    const rncl_dataset *training = inputs->training, *validation = inputs->validation;
    return (rncl_run_data){
        .class_count = (uint64_t)training->info.classes,
        .class_names = rncl_dataset_digest_classes(training),
        .training_count = training->info.count,
        .training = rncl_dataset_digest(training),
        .validation_count = validation->info.count,
        .validation = rncl_dataset_digest(validation),
    };
}
