// A response that does not end: server-sent events of one topic, as long as the client stays.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <string>

#include "net/admission.hpp"
#include "net/types.hpp"
#include "service/streams.hpp"

namespace net {

class Worker;

/// Sends `head` and then events until the connection ends; it belongs to the worker. On the
/// worker's thread.
void serve_events(Worker& worker, Socket socket, std::string head, service::Following following,
                  Admission::Place place);

}  // namespace net
