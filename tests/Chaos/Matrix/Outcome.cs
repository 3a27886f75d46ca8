namespace Weir.Chaos.Matrix;

/// <summary>One row of the matrix: the result of each protocol and transport under a fault.</summary>
internal sealed record Outcome(IReadOnlyList<(Way Way, Report Report)> Ways, IReadOnlyList<Violation> Violations)
{
    public static Outcome Of(World world, IReadOnlyList<Publisher> publishers, IReadOnlyList<(string Room, string Text)> confirmed)
    {
        List<(string Room, Position Position, string Text)> numbered = [.. publishers.SelectMany(static publisher => publisher.Confirmed)];
        int failed = publishers.Sum(static publisher => publisher.Failed);
        Account[] accounts = [.. world.Listeners.SelectMany(static listener => listener.Accounts).Select(WithRule)];
        Report whole = ReceiptCheck.Of(accounts, numbered, failed); // each client's messages are also compared with the others'

        List<(Way, Report)> ways = [];
        foreach (IGrouping<Way, Account> way in accounts.Where(static account => account.Way.KeepsOrder)
            .GroupBy(static account => account.Way))
        {
            // With all that has positions, for the order of the others; its violations are those of the whole.
            ways.Add((way.Key, ReceiptCheck.Of([.. way], numbered, failed)));
        }

        List<Violation> violations = [.. whole.Violations];
        ReceiptCheck.FindMissing(accounts, violations);
        violations.AddRange(publishers.SelectMany(static publisher => publisher.WithoutPosition).Select(static answer => new Violation(
            "an answer without a position", "API", $"{answer.Room} keeps history, and the answer for {answer.Text} had no position")));

        bool wasLost = accounts.Any(static account => account.Receipts.Any(static receipt => receipt.Text is null));
        HashSet<string> given = [.. accounts.SelectMany(static account => account.Receipts).Where(static receipt => receipt.IsMessage)
            .Select(static receipt => receipt.Text!)];
        violations.AddRange(confirmed.Where(answer => !wasLost && !IsKept(answer.Room) && !given.Contains(answer.Text))
            .Select(static answer => new Violation("confirmed, and given to no listener", Way.CentrifugoClient.Name, answer.Text)));
        return new Outcome(ways, violations);
    }

    /// <summary>A row of a Markdown table: per way deliveries, and in brackets how often a loss was notified.</summary>
    public string ToRow(Fault fault)
        => $"| {fault.Name} | {string.Join(" | ", Ways.Select(static way => Cell(way.Report)))} | **{Violations.Count}** |";

    /// <summary>The head of that table: two lines.</summary>
    public string ToHead()
        => $"| fault | {string.Join(" | ", Ways.Select(static way => way.Way.Name))} | violations |\n"
            + $"|---|{string.Concat(Enumerable.Repeat("---:|", Ways.Count + 1))}";

    public override string ToString() => string.Join('\n', Ways.Select(static way => $"{way.Way.Name}: {way.Report}"));

    private static string Cell(Report report) => report.Losses == 0 ? $"{report.Deliveries}" : $"{report.Deliveries} ({report.Losses})";

    private static Account WithRule(Account account) => account with { MayLackPositions = IsKept(account.Room) };

    private static bool IsKept(string room) => room.StartsWith(Fleet.KeptPrefix, StringComparison.Ordinal);
}
