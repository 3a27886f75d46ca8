namespace Weir.Chaos;

/// <summary>
/// Holds what every listener heard against what it must have heard. Between two positions of a listener, with no word of a
/// loss in between, there is every offset, once, in order; and all listeners and publishers agree on what each is.
/// </summary>
internal static class Judge
{
    public static Report Of(IReadOnlyList<Listener> listeners, IReadOnlyList<Publisher> publishers)
    {
        List<string> violations = [];
        Dictionary<(string Room, Position Position), string> truth = [];
        foreach ((string room, Position position, string text) in publishers.SelectMany(static publisher => publisher.Confirmed)
            .SelectMany(static of => of.Value.Select(each => (of.Key, each.Position, each.Text))))
        {
            if (!truth.TryAdd((room, position), text))
            {
                violations.Add($"{room} {position} was given to {text} and to {truth[(room, position)]}");
            }
        }

        int confirmed = truth.Count;
        int told = 0;
        int crossed = 0;
        foreach (Listener listener in listeners)
        {
            Walk(listener, truth, violations, ref told, ref crossed);
        }

        return new Report(
            confirmed,
            publishers.Sum(static publisher => publisher.Failed),
            listeners.Sum(static listener => listener.All.Count(static heard => heard.Text is not null)),
            listeners.Sum(static listener => listener.Connections - 1),
            told,
            crossed,
            violations);
    }

    private static void Walk(
        Listener listener, Dictionary<(string Room, Position Position), string> truth, List<string> violations, ref int told, ref int crossed)
    {
        HashSet<string> seen = [];
        Position? before = null;
        foreach (Heard heard in listener.All)
        {
            if (heard.Text is null)
            {
                told++;
                before = heard.Position;
                continue;
            }

            if (heard.Position is not { } position)
            {
                violations.Add($"{listener} got {heard.Text} without a position");
                continue;
            }

            if (before is { } last)
            {
                crossed += last.Epoch != position.Epoch ? 1 : 0;
                if (position.Offset != last.Offset + 1)
                {
                    violations.Add($"{listener} got {position} after {last}, and was not told why");
                }
            }

            before = position;
            if (!seen.Add(heard.Text))
            {
                violations.Add($"{listener} got {heard.Text} twice, now as {position}");
            }

            if (!truth.TryAdd((listener.Room, position), heard.Text) && truth[(listener.Room, position)] != heard.Text)
            {
                violations.Add($"{listener} got {heard.Text} as {position}, which is {truth[(listener.Room, position)]}");
            }
        }
    }
}
