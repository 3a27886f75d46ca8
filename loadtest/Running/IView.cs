using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Running;

/// <summary>The view of a run for a person. Called by one thread at a time.</summary>
internal interface IView
{
    void WriteLine(string line);

    /// <summary>A second has passed.</summary>
    void Show(Sample sample);

    /// <summary>Runs with the view on the screen.</summary>
    Task<int> AroundAsync(Func<Task<int>> run);
}
