#include "loop/event_loop.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <stdexcept>
#include <thread>

namespace loop {
namespace {

using boost::asio::post;
using boost::asio::use_future;

void no_bug(const std::string& what) { ADD_FAILURE() << what; }

TEST(EventLoop, RunsOnOneThreadOfItsOwn) {
  EventLoop loop(no_bug);
  const auto id = [] { return std::this_thread::get_id(); };
  const auto first = post(loop.io(), use_future(id)).get();
  EXPECT_NE(first, std::this_thread::get_id());
  EXPECT_EQ(post(loop.io(), use_future(id)).get(), first);
}

TEST(EventLoop, IsJoinedWhenNothingIsLeftToBeDone) {
  EventLoop loop(no_bug);
  int done = 0;
  post(loop.io(), [&] {
    ++done;
    post(loop.io(), [&] { ++done; });
  });
  loop.join();
  EXPECT_EQ(done, 2);
  loop.join();
}

TEST(EventLoop, TellsWhatWasThrown) {
  std::string bug;
  EventLoop loop([&](const std::string& what) { bug = what; });
  post(loop.io(), [] { throw std::runtime_error("a bug"); });
  loop.join();
  EXPECT_EQ(bug, "a bug");
}

}  // namespace
}  // namespace loop
