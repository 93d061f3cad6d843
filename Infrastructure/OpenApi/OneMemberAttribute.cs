namespace Profiles.Infrastructure.OpenApi;

/// <summary>One of the request's members must be present; none of them may be null.</summary>
[AttributeUsage(AttributeTargets.Class)]
sealed class OneMemberAttribute : Attribute
{
    public bool OrMore { get; init; }
}
