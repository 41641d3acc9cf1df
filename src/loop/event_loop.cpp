#include "loop/event_loop.hpp"

#include <exception>
#include <utility>

namespace loop {

EventLoop::EventLoop(OnBug on_bug)
    : work_(io_.get_executor()), thread_([this, on_bug = std::move(on_bug)] {
        try {
          io_.run();
        } catch (const std::exception& bug) {
          on_bug(bug.what());
        }
      }) {}

EventLoop::~EventLoop() { join(); }

void EventLoop::join() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

}  // namespace loop
