#include "postgres/copy.hpp"

#include <algorithm>
#include <utility>

#include <libpq-fe.h>

namespace postgres {

namespace {

// libpq keeps what it is given until it is sent; more than this is given piece by piece.
constexpr std::size_t kPieceBytes = 256 * 1024;

}  // namespace

Result<Copy> Copy::begin(Connection& connection, const std::string& sql) {
  if (connection.lost()) return connection.gone();
  auto begun = connection.send_and_collect(::PQsendQuery(connection.handle_.get(), sql.c_str()));
  if (!begun) return begun.error();
  return Copy(connection, connection.new_deadline_ms());
}

Copy::Copy(Copy&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), deadline_ms_(other.deadline_ms_) {}

Copy::~Copy() {
  if (connection_ == nullptr || connection_->lost()) return;
  if (!end("given up")) return;
  // That it fails is what was asked for.
  [[maybe_unused]] const auto failed = connection_->collect(deadline_ms_);
}

Status Copy::write(std::string_view bytes) {
  if (connection_ == nullptr) return Error{"the COPY is over", {}, false};
  if (connection_->lost()) return connection_->gone();
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, kPieceBytes);
    const int taken =
        ::PQputCopyData(connection_->handle_.get(), piece.data(), static_cast<int>(piece.size()));
    if (taken < 0) return refused();
    if (taken > 0) bytes.remove_prefix(piece.size());
    if (auto sent = connection_->flush(deadline_ms_); !sent) return sent;
  }
  return base::Done{};
}

Result<std::uint64_t> Copy::finish() {
  if (connection_ == nullptr) return Error{"the COPY is over", {}, false};
  if (connection_->lost()) return connection_->gone();
  if (auto ended = end(nullptr); !ended) return ended.error();
  auto rows = std::exchange(connection_, nullptr)->collect(deadline_ms_);
  if (!rows) return rows.error();
  return rows->changed();
}

Status Copy::end(const char* reason_to_give_up) {
  int taken = 0;
  while ((taken = ::PQputCopyEnd(connection_->handle_.get(), reason_to_give_up)) == 0) {
    if (auto sent = connection_->flush(deadline_ms_); !sent) return sent;
  }
  if (taken < 0) return refused();
  return connection_->flush(deadline_ms_);
}

Error Copy::refused() {
  Connection& connection = *std::exchange(connection_, nullptr);
  auto said = connection.collect(deadline_ms_);
  if (!said) return said.error();
  return connection.lose("the server ended a COPY without a word");
}

}  // namespace postgres
