/* The trained part of the human/machine verdict: boosted trees over the features, as tables.
 *
 * amd_model.c is written by tools/train-amd; amd_model.md, beside it, is the report of that
 * training. Integers only: the same score on every machine. Pure functions, any thread. */
#ifndef PEAL_DSP_AMD_MODEL_H
#define PEAL_DSP_AMD_MODEL_H

#include "dsp/amd_features.h"

#define AMD_MODEL_ONE 10000u /* a probability of one */

/* The trees' sum, the logarithm of the odds of a machine times 1024, before calibration. */
int32_t amd_model_score(const int16_t features[AMD_FEATURE_COUNT]);

/* Calibrated probability of a machine for that score, 1 … AMD_MODEL_ONE − 1. */
uint32_t amd_model_probability(int32_t score);

#endif
