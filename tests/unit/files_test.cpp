// SPDX-License-Identifier: MIT
#include "base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/fd.h"

using namespace netio;
namespace fs = std::filesystem;

namespace {

// A folder that is gone at the end of the test.
struct Folder {
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "netio-files-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    auto entries() const { return std::distance(fs::directory_iterator(path), fs::directory_iterator()); }

    fs::path path;
};

// While it lives, no file may grow beyond `bytes`; write(2) fails with EFBIG.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

 private:
    void (*handler_)(int);
    rlimit before_{};
};

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("write_file, then read_file: the same bytes, nothing else left in the folder") {
    const Folder folder;
    std::string text(100'001, 'x');
    text[50'000] = '\0';
    REQUIRE(write_file(folder.path / "report.json", text));
    CHECK(read_file(folder.path / "report.json") == text);
    REQUIRE(write_file(folder.path / "report.json", ""));
    CHECK(read_file(folder.path / "report.json") == "");
    CHECK(folder.entries() == 1);
}

TEST_CASE("read_file reads procfs, where files have no size") {
    const auto text = read_file("/proc/self/stat");
    REQUIRE(text.has_value());
    CHECK(text->starts_with(std::to_string(::getpid()) + " ("));
}

TEST_CASE("read_file: errors name the file and the kernel's word") {
    const Folder folder;
    const auto absent = read_file(folder.path / "absent");
    REQUIRE_FALSE(absent.has_value());
    CHECK(absent.error().what == "cannot read " + (folder.path / "absent").string());
    CHECK(absent.error().why == "No such file or directory (ENOENT)");
    CHECK(read_file(folder.path).error().why == "Is a directory (EISDIR)");
}

TEST_CASE("write_file: errors, after which nothing is left behind") {
    const Folder folder;
    const auto written = write_file(folder.path / "absent" / "file", "text");
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().what == "cannot write " + (folder.path / "absent" / "file").string());
    CHECK(written.error().why == "No such file or directory (ENOENT)");
    CHECK(written.error().code == ExitCode::usage);
    CHECK_FALSE(written.error().advice.empty());
    CHECK(write_file(folder.path, "text").error().why == "Is a directory (EISDIR)");
    CHECK(folder.entries() == 0);
}

TEST_CASE("write_file: a write that fails half-way leaves the old file, and no temporary one") {
    const Folder folder;
    REQUIRE(write_file(folder.path / "file", "old"));
    Result<void> written;
    {
        const FileSizeLimit limit(1000);
        written = write_file(folder.path / "file", std::string(1001, 'x'));
    }
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().why == "File too large (EFBIG)");
    CHECK(read_file(folder.path / "file") == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("write_file keeps the mode of the file it replaces, and follows a link to it") {
    const Folder folder;
    REQUIRE(write_file(folder.path / "file", "old"));
    fs::permissions(folder.path / "file", fs::perms(0600));
    fs::create_symlink("file", folder.path / "link");
    REQUIRE(write_file(folder.path / "link", "new"));
    CHECK(fs::is_symlink(folder.path / "link"));
    CHECK(read_file(folder.path / "file") == "new");
    CHECK(mode_of(folder.path / "file") == 0600);
}

TEST_CASE("write_file replaces the file: who has the old one open reads the old text to its end") {
    const Folder folder;
    REQUIRE(write_file(folder.path / "file", "old"));
    const Fd open_before(::open((folder.path / "file").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(write_file(folder.path / "file", "newer"));
    std::string text(8, '\0');
    CHECK(::read(open_before.get(), text.data(), text.size()) == 3);
    CHECK(text.substr(0, 3) == "old");
}

TEST_CASE("write_file writes into what is no plain file, and leaves it there") {
    const Folder folder;
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    const Fd reader(::open((folder.path / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(reader.valid());
    REQUIRE(write_file(folder.path / "pipe", "text"));
    std::string text(8, '\0');
    CHECK(::read(reader.get(), text.data(), text.size()) == 4);
    CHECK(text.substr(0, 4) == "text");
    CHECK(fs::is_fifo(folder.path / "pipe"));
}

TEST_CASE("Fd closes what it owns, once") {
    int pipe_fds[2];
    REQUIRE(::pipe2(pipe_fds, O_CLOEXEC) == 0);
    const Fd write_end(pipe_fds[1]);
    {
        Fd first(pipe_fds[0]);
        Fd second(std::move(first));
        CHECK_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): that it is empty is the point
        CHECK(second.get() == pipe_fds[0]);
        Fd& alias = second;
        second = std::move(alias);
        CHECK(second.valid());  // NOLINT(bugprone-use-after-move): a move onto itself keeps the descriptor
    }
    CHECK(::fcntl(pipe_fds[0], F_GETFD) == -1);
    Fd released(::dup(pipe_fds[1]));
    const int number = released.release();
    CHECK_FALSE(released.valid());
    CHECK(::close(number) == 0);
}
