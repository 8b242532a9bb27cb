/* The campaign's lists and the queue's lines. */
#ifndef PEAL_DIALER_LISTS_H
#define PEAL_DIALER_LISTS_H

#include "campaign/file.h"
#include "queue/queue.h"

/* How they take turns, from the next claim on. held: groups of agents (a set) who can get nobody
 * now, so that their lists' leads stay where they are. */
void lists_share(struct queue *q, const struct campaign *c, uint32_t held);
/* Puts the lead into its line; of_file: the list whose file it came from, or NULL. */
void lists_line_up(const struct campaign *c, const struct campaign_list *of_file,
                   struct queue_lead *lead);
/* The fields with the file's list among them, so that scores, flows and updates know it; as they
 * are when they tell one, and when the text would be too long. */
struct slice lists_name_in(const struct campaign_list *of_file, struct slice fields, char *dst,
                           size_t cap);

#endif
