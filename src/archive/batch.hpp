// What one transaction of the archive writes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// Whether the entries and epochs lead from one cursor to the other, as Archive::append asks for.
Status check_batch(std::span<const ArchivedEntry> entries, std::span<const NewEpoch> epochs,
                   const Cursor& expected, const Cursor& next);

/// A name as it can be stored: UTF-8 without zero bytes.
std::string storable_name(std::string_view name);

// Within a transaction:

/// `lost_leadership` when the cursor is not where it is expected to be. From then on nobody else
/// can move it.
Status move_cursor(postgres::Connection& connection, const Cursor& expected, const Cursor& next);
Status add_epochs(postgres::Connection& connection, std::span<const NewEpoch> epochs);
Status put_names(postgres::Connection& connection,
                 const std::map<std::int64_t, std::string>& names);
Status copy_entries(postgres::Connection& connection, std::span<const ArchivedEntry> entries);

}  // namespace archive
