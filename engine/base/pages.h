/* Zeroed memory straight from the system for the big, long-lived blocks of this room (pools,
 * rings, hash buckets): page-aligned, touched only as it is used, given back whole. */
#ifndef PEAL_BASE_PAGES_H
#define PEAL_BASE_PAGES_H

#include <stddef.h>

void *pages_get(size_t bytes);         /* NULL when the system refuses or bytes is 0 */
void pages_put(void *p, size_t bytes); /* the size given to pages_get; p may be NULL */

/* Gives back the physical memory of a part that is not needed any more; it reads as zero then. */
void pages_drop(void *p, size_t bytes);

/* For the address sanitizer: reading or writing the range is an error until pages_open. Does
 * nothing in other builds. */
void pages_close(void *p, size_t bytes);
void pages_open(void *p, size_t bytes);

#endif
