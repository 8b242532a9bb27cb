/* a=x-peal-shared, see offer.h. Private to the room. */
#ifndef PEAL_SIP_OFFER_SHARED_H
#define PEAL_SIP_OFFER_SHARED_H

#include "sip/offer.h"

void shared_write(struct buf *b, const struct sdp_session *s);
/* Into n, which has host and port already; what is not well formed or not of this host and port is
 * as if it were not there. */
void shared_read(const struct sdp *peer, unsigned media, struct sdp_negotiated *n);

#endif
