/* The walk through the model's trees: from features to the sum of a leaf of each. All trees have
 * the same depth, and a node's children lie at twice its place and one or two. Private to the
 * room. */
#ifndef PEAL_DSP_AMD_TREES_H
#define PEAL_DSP_AMD_TREES_H

#include "dsp/amd_features.h"

#define AMD_TREES_DEPTH  5
#define AMD_TREES_INNER  ((1u << AMD_TREES_DEPTH) - 1)
#define AMD_TREES_LEAVES (1u << AMD_TREES_DEPTH)
#define AMD_TREES_MAX    272

struct amd_trees {
    unsigned count;         /* a multiple of four, AMD_TREES_MAX at most */
    const uint8_t *feature; /* of each inner node, tree by tree */
    const int16_t *threshold, *leaf;
};

int32_t amd_trees_score(const struct amd_trees *t, const int16_t features[AMD_FEATURE_COUNT]);

#endif
