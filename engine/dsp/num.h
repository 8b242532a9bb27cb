/* Arithmetic that gives the same answer on every machine: logarithm, arc tangent and sine of our
 * own, because a C library's last digits differ and decisions must not. */
#ifndef PEAL_DSP_NUM_H
#define PEAL_DSP_NUM_H

#include <stdint.h>

#define NUM_PI 3.14159265358979323846

float num_log2(float x);           /* x > 0; error below 1e-4 */
float num_atan2(float y, float x); /* −π…π; error below 2e-4 rad */
double num_sin(double x);          /* any x of moderate size; error below 1e-9 */
double num_cos(double x);

/* Level of a mean square of 16-bit samples, dBm0 × 10; -990 at or below one quarter of a step. */
int16_t num_level_ddb(float mean_square);
/* The mean square of that level. For setting thresholds, not for the media path. */
float num_power(int16_t level_ddb);

/* A length in 16 bits; what does not fit is the most that does. */
static inline uint16_t num_u16(uint32_t v)
{
    return (uint16_t)(v < UINT16_MAX ? v : UINT16_MAX);
}

/* How many of n samples (1 to 65,535) are within 5 % of the highest, either side of zero: a cut top
 * has many. */
unsigned num_near_top(const int16_t *x, unsigned n);

#endif
