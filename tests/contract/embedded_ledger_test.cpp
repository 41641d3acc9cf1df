// The ledger's contract over SQLite, and what is the embedded ledger's alone.
#include "ledger/embedded/embedded_ledger.hpp"

#include <filesystem>
#include <fstream>

#include "sqlite/database.hpp"
#include "tests/contract/ledger_contract.hpp"

namespace contract {
namespace {

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ledger-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class EmbeddedLedgerBackend final : public LedgerBackend {
 public:
  std::unique_ptr<ledger::Ledger> open() override {
    return ledger::make_embedded({.data_dir = folder_.path(), .now_ms = {}});
  }

 private:
  Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Embedded, LedgerContract,
                         testing::Values(LedgerKind{
                             "embedded", [] { return std::make_unique<EmbeddedLedgerBackend>(); }}),
                         [](const auto& test) { return test.param.name; });

class EmbeddedLedgerTest : public testing::Test {
 protected:
  std::unique_ptr<RunningLedger> open(std::function<std::int64_t()> now_ms = {}) {
    return std::make_unique<RunningLedger>(
        ledger::make_embedded({.data_dir = folder.path(), .now_ms = std::move(now_ms)}));
  }
  std::string complaint() {
    try {
      open();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }
  [[nodiscard]] std::string database() const { return folder.path() + "/counter.db"; }

  Folder folder;
};

TEST_F(EmbeddedLedgerTest, ValuesHaveSixtyFourBits) {
  open()->value_after(Verb::increment);
  sqlite::Database(database(), sqlite::Database::Mode::read_write)
      .execute("UPDATE counters SET value = 9223372036854775806");
  auto ledger = open();
  EXPECT_EQ(ledger->value_after(Verb::increment), counter::kValueMax);
  EXPECT_EQ(ledger->refusal(Verb::increment), Refusal::overflow);
  EXPECT_EQ(ledger->value_after(Verb::decrement), counter::kValueMax - 1);
}

TEST_F(EmbeddedLedgerTest, AKeyIsForgottenAfterADay) {
  std::atomic<std::int64_t> now_ms = 1'790'000'000'000;
  auto ledger = open([&] { return now_ms.load(); });
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 1);
  now_ms += base::limits::kKeyKeepMs;
  ledger->value_after(Verb::increment, "x", "other");
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 1) << "not before";
  now_ms += 1;
  ledger->value_after(Verb::increment, "x", "another");
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 4);
}

TEST_F(EmbeddedLedgerTest, AFolderIsHeldByOneAtATime) {
  auto ledger = open();
  EXPECT_NE(complaint().find("is in use by another process"), std::string::npos);
}

TEST_F(EmbeddedLedgerTest, AFileThatIsNoLedgerIsLeftAlone) {
  std::ofstream(database()) << "something else, of some length, that is no database at all";
  EXPECT_NE(complaint().find("cannot start"), std::string::npos);
  std::filesystem::remove(database());
  sqlite::Database(database(), sqlite::Database::Mode::read_write)
      .execute("CREATE TABLE other (x INTEGER)");
  EXPECT_NE(complaint().find("is not a ledger"), std::string::npos);
}

TEST_F(EmbeddedLedgerTest, ALedgerOfAnotherVersionIsRefused) {
  open();
  sqlite::Database(database(), sqlite::Database::Mode::read_write)
      .execute("PRAGMA user_version = 7");
  EXPECT_NE(complaint().find("version 7, this program reads version 1"), std::string::npos);
}

}  // namespace
}  // namespace contract
