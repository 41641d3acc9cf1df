// The embedded journal on a disk that is full or fails: writes and syncs are made to fail under
// SQLite, and then for real on a small file system.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sched.h>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "tests/contract/embedded_backend.hpp"
#include "tests/contract/running_journal.hpp"

namespace {

// How many writes still go through; negative: all.
std::atomic<int> writes_left = -1;
std::atomic<bool> syncs_fail = false;

/// What SQLite calls instead of pwrite. The write that no longer fits is half done, as on a disk
/// that fills up.
ssize_t limited_pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (writes_left == 0) {
    errno = ENOSPC;
    return -1;
  }
  if (writes_left > 0 && --writes_left == 0) size /= 2;
  return ::pwrite(fd, data, size, offset);
}

}  // namespace

/// Stands before the C library's, for SQLite too.
extern "C" int fdatasync(int fd) {
  if (syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace contract {
namespace {

class EmbeddedFaults : public testing::Test {
 protected:
  EmbeddedFaults() {
    for (const char* name : {"pwrite", "pwrite64"}) {
      vfs_->xSetSystemCall(vfs_, name, reinterpret_cast<sqlite3_syscall_ptr>(limited_pwrite));
    }
  }
  ~EmbeddedFaults() override {
    writes_left = -1;
    syncs_fail = false;
    vfs_->xSetSystemCall(vfs_, nullptr, nullptr);
  }

  [[nodiscard]] std::unique_ptr<RunningJournal> open() {
    return std::make_unique<RunningJournal>(
        journal::make_embedded(embedded_options(folder_.path(), settings_)));
  }

  sqlite3_vfs* vfs_ = ::sqlite3_vfs_find(nullptr);
  Settings settings_{.rules = {.cooldown_ms = 3'600'000, .charges_max = 1'000}};
  TemporaryFolder folder_;
};

/// Waits until the journal says that it is writable, or is not.
bool becomes_writable(RunningJournal& journal, bool writable) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (journal->health().writable != writable) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(EmbeddedFaults, AFullDiskRefusesAndChangesNothingAndRecovers) {
  auto journal = open();
  journal->accept(place(1, 1));
  writes_left = 0;
  const auto refused = std::get<canvas::Refused>(journal->ask(place(1, 2)));
  EXPECT_EQ(refused.reason, canvas::Refusal::unavailable);
  EXPECT_GT(refused.wait_ms, 0U);
  EXPECT_FALSE((*journal)->health().writable);
  EXPECT_EQ((*journal)->health().detail, "disk full");
  EXPECT_EQ(journal->charges(1).left, 999U) << "a refused operation costs no charge";
  EXPECT_EQ(journal->accept(place(1, 1)).position.offset, 1U) << "a repeat needs no room";
  EXPECT_EQ(journal->committed().size(), 1U);

  writes_left = -1;
  EXPECT_TRUE(becomes_writable(*journal, true)) << "without anybody placing";
  EXPECT_EQ(journal->accept(place(1, 2)).position.offset, 2U);
  EXPECT_TRUE(journal->fatal().empty());
  journal.reset();
  EXPECT_EQ(open()->start().position.offset, 2U);
}

TEST_F(EmbeddedFaults, AFullDiskRefusesTheWholeBatch) {
  auto journal = open();
  std::promise<void> release;
  auto released = release.get_future().share();
  std::vector<std::future<canvas::Answer>> answers;
  (*journal)->append(place(1, 1), [released](const auto&) { released.wait(); });
  while (journal->committed().empty()) std::this_thread::yield();
  for (std::uint64_t sequence = 2; sequence <= 100; ++sequence) {
    answers.push_back(journal->append(place(1, sequence)));
  }
  answers.push_back(journal->append(place(1, 2)));  // a repeat of something that will not be
  writes_left = 1;
  release.set_value();
  for (auto& answer : answers) {
    EXPECT_EQ(refusal(wait(std::move(answer))), canvas::Refusal::unavailable);
  }
  EXPECT_EQ(journal->committed().size(), 1U);
}

TEST_F(EmbeddedFaults, AFailedCommitCannotBecomeDurableLaterWhicheverWriteFailed) {
  auto journal = open();
  journal->accept(place(1, 1));
  std::uint64_t accepted = 1;
  bool refused_once = false;
  for (int writes = 0;; ++writes) {
    // A probe in between would take the fault instead of the operation.
    ASSERT_TRUE(becomes_writable(*journal, true));
    writes_left = writes;
    const auto answer = journal->ask(place(1, accepted + 1, 5, 5, 1));
    // What a crash at this instant would leave behind.
    TemporaryFolder crashed;
    std::filesystem::copy(folder_.path(), crashed.path(), std::filesystem::copy_options::recursive);
    std::filesystem::remove(crashed.path() + "/data/journal.db-shm");
    writes_left = -1;
    if (is_accepted(answer)) ++accepted;
    {
      RunningJournal after(journal::make_embedded(embedded_options(crashed.path(), settings_)));
      ASSERT_EQ(after.start().position.offset, accepted) << "after " << writes << " writes";
    }
    if (is_accepted(answer)) break;
    EXPECT_EQ(refusal(answer), canvas::Refusal::unavailable);
    refused_once = true;
  }
  EXPECT_TRUE(refused_once);
  EXPECT_EQ(accepted, 2U);
}

TEST_F(EmbeddedFaults, ACommitOfUnknownOutcomeIsFatalAndNotAnswered) {
  auto journal = open();
  journal->accept(place(1, 1));
  syncs_fail = true;
  auto unknown = journal->append(place(1, 2));
  ASSERT_TRUE(becomes_writable(*journal, false));
  EXPECT_EQ(refusal(journal->ask(place(1, 3))), canvas::Refusal::unavailable);
  (*journal)->stop();
  EXPECT_EQ(journal->fatal().size(), 1U);
  EXPECT_THROW(unknown.get(), std::future_error) << "nobody may claim to know what became of it";
  EXPECT_EQ(journal->committed().size(), 1U);
  journal.reset();

  syncs_fail = false;
  journal = open();
  const auto found = journal->start().position.offset;
  EXPECT_GE(found, 1U);
  EXPECT_EQ(journal->accept(place(1, 2)).position.offset, 2U) << "whether it was there or not";
}

/// Fills a file system of 4 MiB with placements; exits 0 when all is as it should be.
int play_on_a_small_disk(const std::string& folder) {
  if (::unshare(CLONE_NEWNS) != 0) return 77;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=4m") != 0) return 77;
  const Settings settings{.rules = {.cooldown_ms = 0, .charges_max = 5}};
  auto journal =
      std::make_unique<RunningJournal>(journal::make_embedded(embedded_options(folder, settings)));
  std::uint64_t sequence = 1;
  canvas::Answer answer;
  do {
    answer = journal->ask(place(1, sequence, static_cast<std::uint16_t>(sequence % 32)));
    ++sequence;
  } while (is_accepted(answer) && sequence < 1'000'000);
  if (refusal(answer) != canvas::Refusal::unavailable) return 1;
  if ((*journal)->health().detail != "disk full") return 2;
  const auto entries = journal->committed();
  (*journal)->stop();
  if (!journal->fatal().empty()) return 3;
  journal.reset();

  if (::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT, "size=64m") != 0) return 4;
  journal =
      std::make_unique<RunningJournal>(journal::make_embedded(embedded_options(folder, settings)));
  if (journal->start().position.offset != entries.size()) return 5;
  if (journal->start().digest != entries.back().digest) return 6;
  const auto next = journal->accept(place(1, sequence));
  return next.position.offset == entries.size() + 1 ? 0 : 7;
}

TEST(EmbeddedSmallDisk, FillsUpRefusesAndLosesNothing) {
  TemporaryFolder folder;
  const pid_t pid = ::fork();
  if (pid == 0) {
    int result = 99;
    try {
      result = play_on_a_small_disk(folder.path());
    } catch (...) {
    }
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "may not mount a file system here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace contract
