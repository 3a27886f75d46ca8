using Xunit;

namespace Weir.Integration;

/// <summary>Tests with limits on durations: they run one by one, when all others have ended.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
