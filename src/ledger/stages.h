// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

// The taxonomy of kernel functions, docs/stages.json, which is built into the program: which kind of work a call stack
// is. docs/profile.md says how it is read.

namespace netio::ledger {

// A class of kernel work: "page pinning", "locks".
struct Stage {
    std::string id;
    std::string name;
    std::string meaning;
    bool claims = false;                 // all that its functions call is its work, of whatever class that is
    std::vector<std::string> functions;  // names as in the source; a * at the end stands for any letters
    std::vector<std::string> innermost;  // functions that count where they run themselves, not for what they call
};

// What a call stack was taken for.
struct StageMatch {
    const Stage* stage = nullptr;  // none: "other"
    std::string_view function;     // the frame that decided; empty where none did
};

class Stages {
 public:
    // Errors name the row and what is wrong: a key that is missing, a function in two classes.
    static Result<Stages> parse(std::string_view json_text);

    const std::vector<Stage>& rows() const { return rows_; }

    // The class of a stack, innermost frame first. Of the frames up to the first that begins a context of its own (an
    // interrupt, a softirq), and that one: the innermost of a class that claims, else the innermost of any class.
    StageMatch classify(std::span<const std::string> frames) const;
    // Whether any frame, whatever the context, is network code.
    bool is_network(std::span<const std::string> frames) const;

 private:
    enum class Kind { neutral, function, innermost };
    struct Meaning {
        Kind kind = Kind::neutral;
        std::size_t row = 0;
    };
    // Names, and beginnings of names: what is written out goes before a pattern, and a longer pattern before a shorter.
    template <class T>
    struct Names {
        std::unordered_map<std::string, T> whole;
        std::unordered_map<std::string, T> beginnings;
        bool add(const std::string& pattern, const T& value);
        const T* find(const std::string& name) const;
    };

    Result<void> add_all(const std::vector<std::string>& patterns, const Meaning& meaning);

    std::vector<Stage> rows_;
    Names<Meaning> meanings_;
    Names<bool> boundaries_;
    Names<bool> network_;
};

// The table that is built in.
const Stages& stages();

}  // namespace netio::ledger
