/* What the media benchmarks share: rooms of legs on a core of their own, and what is said on them.
 * Control thread. */
#ifndef PEAL_BENCH_MEDIA_KIT_H
#define PEAL_BENCH_MEDIA_KIT_H

#include "media/leg.h"

#define ENGINE_CORE     0
#define GENERATOR_CORE  1
#define ENGINE_PORTS    20000 /* two ports a leg, up to 32000 */
#define GENERATOR_PORTS 34000

/* Workers pinned from the core on, as many legs as asked for; NULL: refused. */
struct media *media_kit_open(struct loop *l, uint32_t core, uint32_t workers, uint16_t ports,
                             uint32_t legs);
/* Likewise, and its legs may share one socket (media/shared.h). */
struct media *media_kit_open_shared(struct loop *l, uint32_t core, uint16_t ports, uint32_t legs);
void media_kit_run(struct loop *l, double seconds);
/* µ-law both ways with an address. */
bool media_kit_connect(struct media_leg *l, const struct addr *to);
bool media_kit_connect_shared(struct media_leg *l, const struct media_leg *to);
/* Speech-like: a tone that comes and goes, with noise. The caller's reference; NULL: refused. */
const struct sound *media_kit_speech(struct media *m);

#endif
