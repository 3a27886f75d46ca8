using Weir.Chaos.Matrix;

namespace Weir.Chaos;

/// <summary>
/// Compares what every listener received with what it must receive. Between two positions of a listener, without a notified
/// loss in between, there is every offset, once, in order; and all listeners and publishers agree about each.
/// </summary>
internal static class ReceiptCheck
{
    private const string Gap = "gap without a notification";
    private const string Order = "another order";
    private const string Twice = "twice";

    /// <param name="accounts">What each listener received.</param>
    /// <param name="confirmed">The publications that were confirmed to their publishers.</param>
    /// <param name="failed">How many publishes failed.</param>
    public static Report Of(
        IReadOnlyList<Account> accounts, IEnumerable<(string Room, Position Position, string Text)> confirmed, int failed)
    {
        List<Violation> violations = [];
        Dictionary<(string Room, Position Position), string> truth = [];
        foreach ((string room, Position position, string text) in confirmed)
        {
            if (!truth.TryAdd((room, position), text))
            {
                string both = $"{room} {position} was given to {text} and to {truth[(room, position)]}";
                violations.Add(new Violation("one position for two messages", "API", both));
            }
        }

        int count = truth.Count;
        int losses = 0;
        int crossed = 0;
        List<(Account Account, Position Last, Position Next)> skips = [];
        foreach (Account account in accounts.Where(static account => account.Way.HasPositions))
        {
            Walk(account, truth, violations, skips, ref losses, ref crossed);
        }

        foreach ((Account account, Position last, Position next) in skips)
        {
            for (long offset = last.Offset + 1; offset < next.Offset; offset++)
            {
                if (truth.TryGetValue((account.Room, next with { Offset = offset }), out string? text)
                    || truth.TryGetValue((account.Room, last with { Offset = offset }), out text))
                {
                    violations.Add(Of(account, Gap, $"got {next} after {last}, without {text}, without a notified loss"));
                }
            }
        }

        Dictionary<(string Room, string Text), Position> places = [];
        foreach (((string room, Position position), string text) in truth)
        {
            places.TryAdd((room, text), position);
        }

        foreach (Account account in accounts.Where(static account => !account.Way.HasPositions))
        {
            WalkWithoutPositions(account, places, violations);
        }

        return new Report(
            count,
            failed,
            accounts.Sum(static account => account.Receipts.Count(static receipt => receipt.IsMessage)),
            accounts.Sum(static account => account.Reconnects),
            losses,
            crossed,
            violations);
    }

    private static void Walk(
        Account account,
        Dictionary<(string Room, Position Position), string> truth,
        List<Violation> violations,
        List<(Account Account, Position Last, Position Next)> skips,
        ref int losses,
        ref int crossed)
    {
        HashSet<string> seen = [];
        Stack<(Position Position, string Text)> given = new();
        Position? before = null;
        foreach (Receipt receipt in account.Receipts.Where(static receipt => receipt != Receipt.NewConnection))
        {
            if (receipt.Text is null)
            {
                losses++;
                before = receipt.Position;
                continue;
            }

            if (receipt is { IsResumption: true, Position: { } resumed })
            {
                if (before is { } reached && resumed.Epoch == reached.Epoch && resumed.Offset > reached.Offset)
                {
                    Skip(reached, resumed with { Offset = resumed.Offset + 1 });
                }

                while (given.TryPeek(out (Position Position, string Text) top)
                    && top.Position.Epoch == resumed.Epoch && top.Position.Offset > resumed.Offset)
                {
                    seen.Remove(given.Pop().Text);
                }

                before = resumed;
                continue;
            }

            if (!seen.Add(receipt.Text))
            {
                violations.Add(Of(account, Twice, $"got {receipt.Text} twice, now as {receipt.Position}"));
            }

            if (!account.Way.KeepsOrder)
            {
                continue;
            }

            if (receipt.Position is not { } position)
            {
                if (!account.MayLackPositions)
                {
                    violations.Add(Of(account, "no position", $"got {receipt.Text} without a position"));
                }

                continue;
            }

            if (before is { } last)
            {
                crossed += last.Epoch != position.Epoch ? 1 : 0;
                if (position.Offset != last.Offset + 1)
                {
                    Skip(last, position);
                }
            }

            before = position;
            given.Push((position, receipt.Text));
            if (!truth.TryAdd((account.Room, position), receipt.Text) && truth[(account.Room, position)] != receipt.Text)
            {
                string other = truth[(account.Room, position)];
                violations.Add(Of(account, "another message at the position", $"got {receipt.Text} as {position}, which is {other}"));
            }
        }

        void Skip(Position last, Position next)
        {
            if (account.MayLackPositions && next.Offset > last.Offset)
            {
                // An offset that was left out stands for messages without one, and no message has it; also where the sequence has
                // continued under another epoch meanwhile.
                skips.Add((account, last, next));
            }
            else
            {
                bool isBack = next.Epoch == last.Epoch && next.Offset < last.Offset;
                violations.Add(Of(account, isBack ? Order : Gap, $"got {next} after {last}, without a notified loss"));
            }
        }
    }

    /// <summary>
    /// Finds messages that a listener without a notified loss did not receive, and another listener of its room did. All
    /// must have listened before the first message.
    /// </summary>
    public static void FindMissing(IReadOnlyList<Account> accounts, List<Violation> violations)
    {
        foreach (IGrouping<string, Account> room in accounts.GroupBy(static account => account.Room))
        {
            HashSet<string> all = [.. room.SelectMany(TextsOf)];
            foreach (Account account in room.Where(static account => account.Way.HasPositions
                && account.Receipts.All(static receipt => receipt.Text is not null)))
            {
                HashSet<string> texts = [.. TextsOf(account)];
                violations.AddRange(all.Where(text => !texts.Contains(text))
                    .Select(text => Of(account, "missing without a notification", $"was not given {text}, without a notified loss")));
            }
        }
    }

    private static Violation Of(Account account, string kind, string text) => new(kind, account.Way.Name, $"{account} {text}");

    private static IEnumerable<string> TextsOf(Account account)
        => account.Receipts.Where(static receipt => receipt.IsMessage).Select(static receipt => receipt.Text!);

    // A protocol without positions cannot notify of a loss. Its messages come once, and on one connection in the room's order.
    private static void WalkWithoutPositions(
        Account account, Dictionary<(string Room, string Text), Position> places, List<Violation> violations)
    {
        HashSet<string> seen = [];
        Dictionary<string, int> numbers = [];
        Position? before = null;
        foreach (Receipt receipt in account.Receipts)
        {
            if (receipt == Receipt.NewConnection)
            {
                before = null;
                numbers.Clear();
                continue;
            }

            if (!seen.Add(receipt.Text!))
            {
                violations.Add(Of(account, Twice, $"got {receipt.Text} twice"));
            }

            if (account.MayLackPositions)
            {
                // What is unknown is given to a node's raw members at once, so their order is each publisher's, not the log's.
                (string publisher, int number) = Message.OriginOf(receipt.Text!);
                if (numbers.TryGetValue(publisher, out int previous) && number <= previous)
                {
                    violations.Add(Of(account, Order, $"got {receipt.Text} after number {previous} of the same publisher"));
                }

                numbers[publisher] = number;
                continue;
            }

            if (!places.TryGetValue((account.Room, receipt.Text!), out Position position))
            {
                continue; // neither confirmed nor numbered
            }

            if (before is { } last && last.Epoch == position.Epoch && position.Offset <= last.Offset)
            {
                violations.Add(Of(account, Order, $"got {position} after {last}"));
            }

            before = position;
        }
    }
}
